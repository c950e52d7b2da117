/** Keeps the document in the theme this person chose. */
import { type Theme, usePreferences } from "@/stores/preferences";

export function applyTheme(): void {
  const show = (theme: Theme) => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  };
  show(usePreferences.getState().theme);
  usePreferences.subscribe(({ theme }) => show(theme));
}
