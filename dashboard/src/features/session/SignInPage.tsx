/** The way in: by the one-use ticket in the address if there is one, else by e-mail and password. */
import { useEffect, useState } from "react";
import markUrl from "@/lib/ui/mark.svg";
import styles from "./SignIn.module.css";
import { SignInForm } from "./SignInForm";
import { useSignIn } from "./session";
import { takeTicket } from "./ticket";

const TICKET_FAILED =
  "This sign-in link was used before or has run out. Sign in with e-mail and password.";

export function SignInPage() {
  const [ticket] = useState(takeTicket);
  const { mutate, isError } = useSignIn();
  useEffect(() => {
    if (ticket) mutate({ ticket });
  }, [ticket, mutate]);

  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <img className={styles.mark} src={markUrl} width="40" height="40" alt="" />
        <h1 className={styles.title}>Telltale</h1>
        <p className={styles.lead}>
          {ticket && !isError
            ? "Signing you in…"
            : "See what your agents are doing, as they do it."}
        </p>
        {(!ticket || isError) && (
          <>
            <SignInForm earlier={isError ? TICKET_FAILED : null} />
            <p className={styles.hint}>
              Running it here? <code>script/server</code> printed the e-mail and the password, and a
              link that signs you in.
            </p>
          </>
        )}
      </div>
    </main>
  );
}
