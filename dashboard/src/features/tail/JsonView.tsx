/** Pretty JSON, exactly as it would be copied, its parts told apart by weight and colour. */
import { Fragment, useMemo } from "react";
import { tokensOf } from "@/lib/text/jsonTokens";
import styles from "./JsonView.module.css";

export function JsonView({ json }: { json: string }) {
  const tokens = useMemo(() => tokensOf(json), [json]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <pre className={styles.json} tabIndex={0}>
      {tokens.map(({ kind, text, at }) =>
        kind === "plain" ? (
          <Fragment key={at}>{text}</Fragment>
        ) : (
          <span key={at} className={styles[kind]}>
            {text}
          </span>
        ),
      )}
    </pre>
  );
}
