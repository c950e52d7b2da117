/** Copies a text, and says that it did. */
import { useEffect, useState } from "react";
import { Button } from "./Button";
import { Icon } from "./Icon";

const SAID_MS = 1_600;

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  const [said, setSaid] = useState<string | null>(null);
  useEffect(() => {
    if (said === null) return;
    const timer = setTimeout(() => setSaid(null), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied");
    } catch {
      // Without TLS, and not on localhost, browsers keep the clipboard to themselves.
      setSaid("Not allowed here");
    }
  };
  return (
    <Button look="quiet" onClick={copy}>
      <Icon name={said === "Copied" ? "check" : "copy"} size={14} />
      <span aria-live="polite">{said ?? label}</span>
    </Button>
  );
}
