/** An event laid open: its fields, its data as readable text or exact JSON, and where to go from it. */
import { useState } from "react";
import type { StoredEvent } from "@/lib/live/protocol";
import { type ListFacet, type TailFilter, toggled } from "@/lib/live/tailFilter";
import { fullLocal, utcTitle } from "@/lib/text/time";
import { Button } from "@/lib/ui/Button";
import { CopyButton } from "@/lib/ui/CopyButton";
import { EventData } from "./EventData";
import styles from "./EventDetail.module.css";
import { JsonView } from "./JsonView";

interface EventDetailProps {
  event: StoredEvent;
  filter: TailFilter;
  onFilter: (filter: TailFilter) => void;
}

export function EventDetail({ event, filter, onFilter }: EventDetailProps) {
  const [exact, setExact] = useState(false);
  const json = JSON.stringify(event, null, 2);
  const only = (facet: ListFacet, value: string) => () => {
    if (!filter[facet].includes(value)) onFilter(toggled(filter, facet, value));
  };
  return (
    <div role="row" aria-level={2} className={styles.detail}>
      <div role="gridcell" className={styles.inner}>
        <dl className={styles.fields}>
          <Field name="time" value={fullLocal(event.time)} title={utcTitle(event.time)} />
          <Field
            name="received"
            value={fullLocal(event.received_at)}
            title={utcTitle(event.received_at)}
          />
          <Field name="severity" value={event.severity} />
          {event.task_id !== null && <Field name="task" value={event.task_id} />}
          {event.trace_id !== null && <Field name="trace" value={event.trace_id} />}
          <Field name="id" value={event.id} />
          <Field name="place" value={`partition ${event.partition}, offset ${event.offset}`} />
        </dl>
        <div className={styles.content}>
          <div className={styles.bar}>
            <div className={styles.views} role="group" aria-label="Show the event as">
              <Button
                look={exact ? "quiet" : "active"}
                aria-pressed={!exact}
                onClick={() => setExact(false)}
              >
                Data
              </Button>
              <Button
                look={exact ? "active" : "quiet"}
                aria-pressed={exact}
                onClick={() => setExact(true)}
              >
                JSON
              </Button>
            </div>
            <CopyButton text={json} label="Copy JSON" />
            <span className={styles.room} />
            <Button look="quiet" onClick={only("agents", event.agent_id)}>
              Only this agent
            </Button>
            <Button look="quiet" onClick={only("types", event.type)}>
              Only this type
            </Button>
            {event.task_id !== null && (
              <Button look="quiet" onClick={only("tasks", event.task_id)}>
                Only this task
              </Button>
            )}
          </div>
          {exact ? <JsonView json={json} /> : <EventData data={event.data} />}
        </div>
      </div>
    </div>
  );
}

function Field({ name, value, title }: { name: string; value: string; title?: string }) {
  return (
    <div className={styles.field} title={title}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
