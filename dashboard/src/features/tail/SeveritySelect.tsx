/** From which severity on the tail shows events. */
import type { Severity } from "@/lib/live/protocol";
import { classNames } from "@/lib/ui/classNames";
import { Icon } from "@/lib/ui/Icon";
import styles from "./SeveritySelect.module.css";

interface SeveritySelectProps {
  value: Severity | null;
  /** From the lightest to the gravest. */
  severities: readonly Severity[];
  onChange: (value: Severity | null) => void;
}

export function SeveritySelect({ value, severities, onChange }: SeveritySelectProps) {
  return (
    <span className={classNames(styles.field, value && styles.active)}>
      <select
        aria-label="Severity"
        value={value ?? ""}
        onChange={(event) => onChange(severities.find((s) => s === event.target.value) ?? null)}
      >
        <option value="">Severity</option>
        {severities.slice(1).map((severity) => (
          <option key={severity} value={severity}>
            {severity === "critical" ? "critical" : `${severity} and up`}
          </option>
        ))}
      </select>
      <Icon name="caret" size={12} />
    </span>
  );
}
