/** The head of the page: whose fleet, how the connection stands, and the few things about the page itself. */
import { ConnectionPill } from "@/features/connection/ConnectionPill";
import { AccountMenu } from "@/features/session/AccountMenu";
import type { Session } from "@/features/session/session";
import { Button } from "@/lib/ui/Button";
import { Icon } from "@/lib/ui/Icon";
import markUrl from "@/lib/ui/mark.svg";
import styles from "./Header.module.css";
import { ThemeToggle } from "./ThemeToggle";

interface HeaderProps {
  session: Session;
  onHelp: () => void;
}

export function Header({ session, onHelp }: HeaderProps) {
  return (
    <header className={styles.header}>
      <img src={markUrl} width="24" height="24" alt="" />
      <h1 className={styles.name}>Telltale</h1>
      <span className={styles.project} title="Project">
        {session.project.name}
      </span>
      <span className={styles.room} />
      <ConnectionPill />
      <span className={styles.tools}>
        <span className={styles.help}>
          <Button
            look="quiet"
            square
            aria-label="Keyboard help"
            title="Keyboard help (?)"
            onClick={onHelp}
          >
            <Icon name="help" />
          </Button>
        </span>
        <ThemeToggle />
        <AccountMenu session={session} />
      </span>
    </header>
  );
}
