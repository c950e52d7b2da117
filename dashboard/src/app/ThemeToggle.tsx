/** Light, dark, or as the system has it: one button that goes round. */
import { Button } from "@/lib/ui/Button";
import { Icon, type IconName } from "@/lib/ui/Icon";
import { setTheme, type Theme, usePreferences } from "@/stores/preferences";

const THEMES: Readonly<Record<Theme, { next: Theme; icon: IconName; says: string }>> = {
  system: { next: "light", icon: "auto", says: "Theme: as the system" },
  light: { next: "dark", icon: "sun", says: "Theme: light" },
  dark: { next: "system", icon: "moon", says: "Theme: dark" },
};

export function ThemeToggle() {
  const { next, icon, says } = THEMES[usePreferences((state) => state.theme)];
  return (
    <Button look="quiet" square aria-label={says} title={says} onClick={() => setTheme(next)}>
      <Icon name={icon} />
    </Button>
  );
}
