/** E-mail, password, and a clear word when they are not right. */
import type { FormEvent } from "react";
import { Button } from "@/lib/ui/Button";
import styles from "./SignIn.module.css";
import { type Session, useSignIn } from "./session";

interface SignInFormProps {
  /** Filled in beforehand when the session of somebody known has ended. */
  email?: string | undefined;
  /** What went wrong before the form was shown. */
  earlier?: string | null;
  onSignedIn?: (session: Session) => void;
}

export function SignInForm({ email, earlier, onSignedIn }: SignInFormProps) {
  const signIn = useSignIn();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    signIn.mutate(
      { email: String(form.get("email")), password: String(form.get("password")) },
      { onSuccess: (session) => onSignedIn?.(session) },
    );
  };
  const problem = signIn.error?.message ?? earlier;
  return (
    <>
      <form className={styles.form} onSubmit={submit} aria-describedby="sign-in-problem">
        <label className={styles.field}>
          E-mail
          <input
            name="email"
            type="email"
            autoComplete="username"
            required
            defaultValue={email}
            // biome-ignore lint/a11y/noAutofocus: it is the only thing to do on this page
            autoFocus={!email}
          />
        </label>
        <label className={styles.field}>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        <Button type="submit" look="primary" disabled={signIn.isPending}>
          {signIn.isPending ? "Signing in…" : "Sign in"}
        </Button>
      </form>
      <p className={styles.problem} id="sign-in-problem" role="alert">
        {!signIn.isPending && problem}
      </p>
    </>
  );
}
