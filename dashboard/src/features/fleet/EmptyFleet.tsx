/** No agent has ever reported: how to send the first event, ready to paste. */
import { CopyButton } from "@/lib/ui/CopyButton";
import styles from "./EmptyFleet.module.css";

export function EmptyFleet() {
  const command = firstEvent(location.origin);
  return (
    <div className={styles.empty}>
      <h3 className={styles.title}>No agent has reported yet</h3>
      <p className={styles.lead}>Send the first event, and it appears here at once:</p>
      <div className={styles.command}>
        <pre>{command}</pre>
        <CopyButton text={command} />
      </div>
      <p className={styles.hint}>
        <code>$KEY</code> is an API key with the role agent. <code>script/server</code> prints one,
        and keeps it in <code>var/admin_key</code>.
      </p>
    </div>
  );
}

/** The curl line that sends one event to the server at `origin`. */
export function firstEvent(origin: string): string {
  const event = { type: "agent.log", agent_id: "my-agent", data: { message: "hello" } };
  return [
    `curl -X POST ${origin}/v1/events \\`,
    `  -H "Authorization: Bearer $KEY" \\`,
    `  -H "Content-Type: application/json" \\`,
    `  -d '${JSON.stringify(event)}'`,
  ].join("\n");
}
