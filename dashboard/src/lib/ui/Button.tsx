/** The page's buttons: plain, quiet (no frame), primary (the one thing to do here) and active (on). */
import type { ComponentProps } from "react";
import styles from "./Button.module.css";
import { classNames } from "./classNames";

interface ButtonProps extends ComponentProps<"button"> {
  look?: "plain" | "quiet" | "primary" | "active";
  /** A square with only an icon in it; give it an `aria-label`. */
  square?: boolean;
}

export function Button({ look = "plain", square = false, className, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      className={classNames(
        styles.button,
        look !== "plain" && styles[look],
        square && styles.icon,
        className,
      )}
    />
  );
}
