/** On a narrow page, the choice between the fleet and the tail. */
import { classNames } from "@/lib/ui/classNames";
import styles from "./NarrowTabs.module.css";

export type NarrowTab = "fleet" | "tail";

const TABS: readonly { id: NarrowTab; title: string }[] = [
  { id: "fleet", title: "Fleet" },
  { id: "tail", title: "Live tail" },
];

interface NarrowTabsProps {
  tab: NarrowTab;
  onChange: (tab: NarrowTab) => void;
}

export function NarrowTabs({ tab, onChange }: NarrowTabsProps) {
  return (
    <nav className={styles.tabs} aria-label="What to show">
      {TABS.map(({ id, title }) => (
        <button
          key={id}
          type="button"
          className={classNames(styles.tab, tab === id && styles.here)}
          aria-current={tab === id ? "page" : undefined}
          onClick={() => onChange(id)}
        >
          {title}
        </button>
      ))}
    </nav>
  );
}
