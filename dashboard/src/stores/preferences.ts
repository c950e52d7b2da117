/** What this person likes on this machine: light or dark, and how the page is divided. */
import { create } from "zustand";
import { persist } from "zustand/middleware";

export type Theme = "system" | "light" | "dark";

interface Preferences {
  readonly theme: Theme;
  /** The fleet's share of the height it divides with the tail, 0.15 … 0.85; null: as much as it needs. */
  readonly fleetShare: number | null;
}

export const usePreferences = create<Preferences>()(
  persist((): Preferences => ({ theme: "system", fleetShare: null }), { name: "telltale" }),
);

export function setTheme(theme: Theme): void {
  usePreferences.setState({ theme });
}

export function setFleetShare(share: number | null): void {
  const fleetShare = share === null ? null : Math.min(0.85, Math.max(0.15, share));
  usePreferences.setState({ fleetShare });
}
