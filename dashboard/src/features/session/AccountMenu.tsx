/** Who is signed in, and the way out. */
import { Button } from "@/lib/ui/Button";
import { Icon } from "@/lib/ui/Icon";
import styles from "./AccountMenu.module.css";
import { type Session, useSignOut } from "./session";

export function AccountMenu({ session }: { session: Session }) {
  const signOut = useSignOut();
  const says = `Sign out ${session.user.email} (${session.role})`;
  return (
    <Button
      look="quiet"
      className={styles.account}
      aria-label={says}
      title={says}
      disabled={signOut.isPending}
      onClick={() => signOut.mutate(session)}
    >
      <span className={styles.email}>{session.user.email}</span>
      <Icon name="leave" />
    </Button>
  );
}
