"""What a process counts, in Prometheus' terms, named once. Each process has its own figures."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

connections = Gauge("telltale_connections", "Open sockets, streams and long polls", ["kind"])
problems = Counter("telltale_problems_total", "Requests answered with an error", ["code"])
events_in = Counter("telltale_events_in_total", "Events accepted into the log", ["transport"])
events_rejected = Counter("telltale_events_rejected_total", "Events refused at the edge", ["code"])
events_refused = Counter(
    "telltale_events_refused_total", "Events told to come again later", ["reason"]
)
events_out = Counter("telltale_events_out_total", "Events sent to viewers")
acks = Counter("telltale_acks_total", "Ack frames sent to agents")
orders_sent = Counter(
    "telltale_orders_sent_total", "Commands and configurations sent to agents", ["kind"]
)
append_batch = Histogram(
    "telltale_append_events", "Events in one append", buckets=(1, 3, 10, 30, 100, 300, 1000, 3000)
)
append_seconds = Histogram(
    "telltale_append_seconds",
    "Time of one append",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5),
)
viewer_dropped = Counter(
    "telltale_viewer_dropped_events_total", "Events dropped for slow viewers", ["policy"]
)
credential_looks = Counter(
    "telltale_credential_looks_total",
    "Looks at whether the keys and sessions behind open connections still stand",
    ["outcome"],
)
cache_lookups = Counter(
    "telltale_cache_lookups_total",
    "Look-ups in a cache, by what answered: this process, Redis, or PostgreSQL",
    ["cache", "answered_by"],
)
pruned = Counter("telltale_pruned_total", "Rows forgotten because their time was over", ["table"])
sign_ins = Counter("telltale_sign_ins_total", "Sign-ins: good, wrong, throttled", ["outcome"])
credentials_ended = Counter(
    "telltale_credentials_ended_total",
    "Sockets and streams ended because their credential did",
    ["why"],
)
closes = Counter("telltale_closes_total", "Sockets closed by us", ["code"])
backplane_dropped = Counter(
    "telltale_backplane_dropped_total", "Messages dropped because the hub was behind"
)
epochs_renewed = Counter(
    "telltale_epochs_renewed_total", "Times that PostgreSQL's history was seen to go back", ["by"]
)
refills = Counter("telltale_refills_total", "Gaps refilled from PostgreSQL")
drain_batch = Histogram(
    "telltale_drain_events", "Events in one drain", buckets=(1, 3, 10, 30, 100, 300, 1000, 3000)
)
drain_seconds = Histogram(
    "telltale_drain_seconds",
    "Time of one drain's transaction",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5),
)
drain_failures = Counter("telltale_drain_failures_total", "Drains that failed", ["reason"])
dead_events = Counter("telltale_dead_events_total", "Events put into the dead letters")
breaker_open = Gauge("telltale_breaker_open", "1 while a breaker is open", ["breaker"])
bells = Counter("telltale_bells_total", "Bells rung", ["by"])
