/** The live page: the fleet above, the tail below; on a narrow page one of them at a time. */
import { useCallback, useEffect, useRef, useState } from "react";
import { FleetPanel } from "@/features/fleet/FleetPanel";
import { FleetSummary } from "@/features/fleet/FleetSummary";
import { NoticeStack } from "@/features/notices/NoticeStack";
import { SessionEndedDialog } from "@/features/session/SessionEndedDialog";
import type { Session } from "@/features/session/session";
import { TailPanel } from "@/features/tail/TailPanel";
import { fromQuery, toggled, toQuery } from "@/lib/live/tailFilter";
import { NARROW, useMediaQuery } from "@/lib/ui/useMediaQuery";
import { serverClock, startClock } from "@/stores/clock";
import { useConnection } from "@/stores/connection";
import { filterTail, retryNow, startFeed } from "@/stores/feed";
import { sweepRates } from "@/stores/fleet";
import { usePreferences } from "@/stores/preferences";
import { setFilter, useTail } from "@/stores/tail";
import { Header } from "./Header";
import { HelpDialog } from "./HelpDialog";
import styles from "./LivePage.module.css";
import { type NarrowTab, NarrowTabs } from "./NarrowTabs";
import { Splitter } from "./Splitter";
import { useShortcuts } from "./useShortcuts";

const SWEEP_MS = 60_000;

export function LivePage({ session }: { session: Session }) {
  useLive();
  const narrow = useMediaQuery(NARROW);
  const [tab, setTab] = useState<NarrowTab>("fleet");
  const [help, setHelp] = useState(false);
  const share = usePreferences((state) => state.fleetShare);
  const away = useConnection(({ link }) => link.name !== "open" && link.name !== "idle");
  const signedOut = useConnection((state) => state.link.name === "signed_out");
  const agents = useTail((tail) => tail.filter.agents);
  const fleetSearch = useRef<HTMLInputElement>(null);
  const tailSearch = useRef<HTMLInputElement>(null);
  const panes = useRef<HTMLDivElement>(null);

  const choose = useCallback((agentId: string) => {
    const { filter } = useTail.getState();
    filterTail(
      filter.agents.includes(agentId)
        ? toggled(filter, "agents", agentId)
        : { ...filter, agents: [agentId] },
    );
    setTab("tail");
  }, []);
  useShortcuts({ fleetSearch, tailSearch, showHelp: () => setHelp(true) });

  const showFleet = !narrow || tab === "fleet";
  const showTail = !narrow || tab === "tail";
  return (
    <div className={styles.page}>
      <Header session={session} onHelp={() => setHelp(true)} />
      <main className={styles.main} data-away={away || undefined}>
        <FleetSummary />
        {narrow && <NarrowTabs tab={tab} onChange={setTab} />}
        <div ref={panes} className={styles.panes}>
          {showFleet && (
            <div
              className={styles.fleet}
              style={narrow || share === null ? undefined : { flex: `0 0 ${share * 100}%` }}
            >
              <FleetPanel chosen={agents} onChoose={choose} searchRef={fleetSearch} />
            </div>
          )}
          {!narrow && <Splitter container={panes} />}
          {showTail && (
            <div className={styles.tail}>
              <TailPanel searchRef={tailSearch} />
            </div>
          )}
        </div>
      </main>
      <NoticeStack />
      {help && <HelpDialog onClose={() => setHelp(false)} />}
      {signedOut && <SessionEndedDialog session={session} onSignedIn={retryNow} />}
    </div>
  );
}

/** Runs the clock and the feed while the page is there, and keeps the filter in the address. */
function useLive(): void {
  useEffect(() => {
    setFilter(fromQuery(location.search));
    const sweeper = setInterval(() => sweepRates(serverClock.at(Date.now())), SWEEP_MS);
    const stops = [
      () => clearInterval(sweeper),
      startClock(),
      startFeed(),
      useTail.subscribe(keepInAddress),
      useConnection.subscribe(({ link }) => nameTab(link.name === "open")),
    ];
    return () => {
      for (const stop of stops) stop();
      nameTab(true);
    };
  }, []);
}

/** The tab says it too when the page is not live. */
function nameTab(live: boolean): void {
  document.title = live ? "Telltale" : "Not live · Telltale";
}

function keepInAddress(tail: { filter: Parameters<typeof toQuery>[0] }): void {
  const query = toQuery(tail.filter);
  if (query === location.search.replace(/^\?/, "")) return;
  history.replaceState(null, "", query ? `?${query}` : location.pathname);
}
