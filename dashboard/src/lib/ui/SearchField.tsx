/** A search field: type, see at once; Escape empties it, and leaves it when it is empty. */
import type { KeyboardEvent, Ref } from "react";
import { Icon } from "./Icon";
import styles from "./SearchField.module.css";

interface SearchFieldProps {
  label: string;
  placeholder: string;
  value: string;
  onChange: (value: string) => void;
  /** The key that brings the focus here, shown while the field is empty. */
  hint?: string;
  maxLength?: number;
  ref?: Ref<HTMLInputElement>;
}

export function SearchField(props: SearchFieldProps) {
  const { label, placeholder, value, onChange, hint, maxLength = 200, ref } = props;
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    if (value) onChange("");
    else event.currentTarget.blur();
  };
  return (
    <div className={styles.field}>
      <Icon name="search" size={14} />
      <input
        ref={ref}
        type="search"
        aria-label={label}
        placeholder={placeholder}
        value={value}
        maxLength={maxLength}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={onKeyDown}
      />
      {hint && (
        <span className={styles.hint} aria-hidden="true">
          {hint}
        </span>
      )}
      {value && (
        <button
          type="button"
          className={styles.clear}
          aria-label="Clear"
          onClick={() => onChange("")}
        >
          <Icon name="close" size={12} />
        </button>
      )}
    </div>
  );
}
