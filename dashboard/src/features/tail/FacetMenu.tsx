/** A filter's menu: search what there is, choose any number, or type what is not there yet. */
import { type KeyboardEvent, useId, useRef, useState } from "react";
import { classNames } from "@/lib/ui/classNames";
import { Icon } from "@/lib/ui/Icon";
import { Popover } from "@/lib/ui/Popover";
import styles from "./FacetMenu.module.css";
import { MAX_OPTIONS } from "./facetOptions";

interface FacetMenuProps {
  name: string;
  /** "agents", for "3 agents". */
  plural: string;
  chosen: readonly string[];
  /** Called when the menu opens. */
  optionsFor: () => string[];
  /** Whether a typed value may be chosen although it was never seen. */
  accepts: (typed: string) => boolean;
  onToggle: (value: string) => void;
}

export function FacetMenu(props: FacetMenuProps) {
  const { name, plural, chosen } = props;
  const label =
    chosen.length === 0 ? name : chosen.length === 1 ? chosen[0] : `${chosen.length} ${plural}`;
  return (
    <Popover
      label={`Filter by ${name.toLowerCase()}`}
      look={chosen.length ? "active" : "plain"}
      button={
        <>
          <span className={classNames(styles.value, chosen.length === 1 && styles.data)}>
            {label}
          </span>
          <Icon name="caret" size={12} />
        </>
      }
    >
      {() => <Menu {...props} />}
    </Popover>
  );
}

function Menu({ name, plural, chosen, optionsFor, accepts, onToggle }: FacetMenuProps) {
  const [seen] = useState(optionsFor);
  // What is chosen stays on top while the menu is open, in the order it had when it opened.
  const [first] = useState(chosen);
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const id = useId();

  const wanted = typed.trim().toLowerCase();
  const all = [...new Set([...first, ...seen])];
  const found = all.filter((option) => option.toLowerCase().includes(wanted));
  const own = wanted !== "" && !all.includes(typed.trim()) && accepts(typed.trim());
  const options = own ? [typed.trim(), ...found] : found;
  const shown = options.slice(0, MAX_OPTIONS);

  const move = (to: number) => {
    const next = Math.max(0, Math.min(shown.length - 1, to));
    setAt(next);
    list.current?.children[next]?.scrollIntoView({ block: "nearest" });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const option = shown[at];
    if (event.key === "ArrowDown") move(at + 1);
    else if (event.key === "ArrowUp") move(at - 1);
    else if (event.key === "Enter" && option !== undefined) onToggle(option);
    else return;
    event.preventDefault();
  };

  return (
    <>
      <input
        className={styles.search}
        role="combobox"
        aria-label={`Find ${plural}`}
        aria-expanded="true"
        aria-controls={id}
        aria-activedescendant={shown.length ? `${id}-${at}` : undefined}
        placeholder={name === "Type" ? "Find, or type task.*" : `Find ${plural}`}
        value={typed}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => {
          setTyped(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div
        ref={list}
        className={styles.list}
        role="listbox"
        id={id}
        aria-label={name}
        aria-multiselectable="true"
      >
        {shown.map((option, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above takes the keys for the list
          <div
            key={option}
            id={`${id}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={chosen.includes(option)}
            className={classNames(styles.option, index === at && styles.current)}
            onClick={() => onToggle(option)}
          >
            <span className={styles.check}>
              {chosen.includes(option) && <Icon name="check" size={14} />}
            </span>
            <span className={styles.text}>{option}</span>
            {own && index === 0 && <span className={styles.hint}>not seen yet</span>}
          </div>
        ))}
      </div>
      {shown.length === 0 && <p className={styles.none}>Nothing like that was seen.</p>}
      {options.length > shown.length && (
        <p className={styles.none}>{options.length - shown.length} more: type to find them.</p>
      )}
    </>
  );
}
