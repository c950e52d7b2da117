/** The fleet: what to look for, the table, and what to do when it is empty. */
import { type RefObject, useId } from "react";
import { plural } from "@/lib/text/format";
import { Button } from "@/lib/ui/Button";
import { SearchField } from "@/lib/ui/SearchField";
import { useFleet } from "@/stores/fleet";
import { useFleetView } from "@/stores/fleetView";
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
      </header>
      {known && size === 0 ? <EmptyFleet /> : <FleetTable chosen={chosen} onChoose={onChoose} />}
    </section>
  );
}
