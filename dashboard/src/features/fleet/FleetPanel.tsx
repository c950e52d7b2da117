/** The fleet: what to look for, the table, and what to do when it is empty. */
import { type RefObject, useId } from "react";
import { plural } from "@/lib/text/format";
import { Button } from "@/lib/ui/Button";
import { SearchField } from "@/lib/ui/SearchField";
import { useFleet } from "@/stores/fleet";
import { sortBy, useFleetView } from "@/stores/fleetView";
import { COLUMNS } from "./columns";
import { EmptyFleet } from "./EmptyFleet";
import styles from "./FleetPanel.module.css";
import { FleetTable } from "./FleetTable";

interface FleetPanelProps {
  chosen: readonly string[];
  onChoose: (agentId: string) => void;
  searchRef: RefObject<HTMLInputElement | null>;
}

export function FleetPanel({ chosen, onChoose, searchRef }: FleetPanelProps) {
  const known = useFleet((state) => state.known);
  const size = useFleet((state) => state.agents.size);
  const { search, liveness } = useFleetView();
  const title = useId();
  return (
    <section className={styles.panel} aria-labelledby={title}>
      <header className={styles.head}>
        <h2 className={styles.title} id={title}>
          Fleet
        </h2>
        <span className={styles.count}>{known ? plural(size, "agent") : "…"}</span>
        <span className={styles.room} />
        {(search || liveness) && (
          <Button
            look="quiet"
            onClick={() => useFleetView.setState({ search: "", liveness: null })}
          >
            Show all
          </Button>
        )}
        <SearchField
          ref={searchRef}
          label="Search agents"
          placeholder="Search agents"
          value={search}
          onChange={(value) => useFleetView.setState({ search: value })}
        />
        <OrderSelect />
      </header>
      {known && size === 0 ? <EmptyFleet /> : <FleetTable chosen={chosen} onChoose={onChoose} />}
    </section>
  );
}

/** On a narrow page the table has no heads to sort by. */
function OrderSelect() {
  const column = useFleetView((view) => view.column);
  return (
    <select
      className={styles.order}
      aria-label="Sort by"
      value={column}
      onChange={(event) => {
        const chosen = COLUMNS.find(({ id }) => id === event.target.value);
        if (chosen) sortBy(chosen.id);
      }}
    >
      {COLUMNS.map(({ id, title }) => (
        <option key={id} value={id}>
          By {title.toLowerCase()}
        </option>
      ))}
    </select>
  );
}
