/** The session ended while the page was open: sign in again on top of it, and nothing is lost. */
import { useEffect, useRef } from "react";
import styles from "./SignIn.module.css";
import { SignInForm } from "./SignInForm";
import type { Session } from "./session";

interface SessionEndedDialogProps {
  session: Session;
  onSignedIn: (session: Session) => void;
}

export function SessionEndedDialog({ session, onSignedIn }: SessionEndedDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    element?.querySelector<HTMLInputElement>("input[type=password]")?.focus();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className={styles.dialog}
      aria-labelledby="session-ended"
      // There is nothing behind it to go back to.
      onCancel={(event) => event.preventDefault()}
    >
      <div className={styles.card}>
        <h2 className={styles.title} id="session-ended">
          Your session has ended
        </h2>
        <p className={styles.lead}>Sign in again and the page goes on where it stopped.</p>
        <SignInForm email={session.user.email} onSignedIn={onSignedIn} />
      </div>
    </dialog>
  );
}
