/** What the tail is filtered for: text, agents, types, tasks, severity. */
import { type RefObject, useCallback } from "react";
import { SEVERITIES, type Severity } from "@/lib/live/protocol";
import {
  isTypePattern,
  type ListFacet,
  NO_FILTER,
  partsOf,
  type TailFilter,
  toggled,
} from "@/lib/live/tailFilter";
import { Button } from "@/lib/ui/Button";
import { SearchField } from "@/lib/ui/SearchField";
import { FacetMenu } from "./FacetMenu";
import { agentOptions, taskOptions, typeOptions } from "./facetOptions";
import { SeveritySelect } from "./SeveritySelect";
import styles from "./TailToolbar.module.css";

interface TailToolbarProps {
  filter: TailFilter;
  onChange: (filter: TailFilter) => void;
  text: string;
  onText: (text: string) => void;
  searchRef: RefObject<HTMLInputElement | null>;
}

const always = () => true;

export function TailToolbar({ filter, onChange, text, onText, searchRef }: TailToolbarProps) {
  const toggle = useCallback(
    (facet: ListFacet) => (value: string) => onChange(toggled(filter, facet, value)),
    [filter, onChange],
  );
  const parts = partsOf(filter);
  return (
    <div className={styles.toolbar}>
      <SearchField
        ref={searchRef}
        label="Search the tail"
        placeholder="Search events"
        hint="/"
        value={text}
        onChange={onText}
      />
      <div className={styles.facets}>
        <FacetMenu
          name="Agent"
          plural="agents"
          chosen={filter.agents}
          optionsFor={agentOptions}
          accepts={always}
          onToggle={toggle("agents")}
        />
        <FacetMenu
          name="Type"
          plural="types"
          chosen={filter.types}
          optionsFor={typeOptions}
          accepts={isTypePattern}
          onToggle={toggle("types")}
        />
        <FacetMenu
          name="Task"
          plural="tasks"
          chosen={filter.tasks}
          optionsFor={taskOptions}
          accepts={always}
          onToggle={toggle("tasks")}
        />
        <SeveritySelect
          value={filter.from}
          severities={SEVERITIES}
          onChange={(from: Severity | null) => onChange({ ...filter, from })}
        />
        {parts > 0 && (
          <Button look="quiet" onClick={() => onChange(NO_FILTER)}>
            Clear
          </Button>
        )}
      </div>
    </div>
  );
}
