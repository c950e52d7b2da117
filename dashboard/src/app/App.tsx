/** Who is in sees the live page; who is not, the way in. */
import { SignInPage } from "@/features/session/SignInPage";
import { useSession } from "@/features/session/session";
import styles from "./App.module.css";
import { LivePage } from "./LivePage";

export function App() {
  const session = useSession();
  if (session.data) return <LivePage key={session.data.project.id} session={session.data} />;
  if (session.data === null) return <SignInPage />;
  return (
    <main className={styles.waiting} role="status">
      {session.isError && (
        <>
          <h1>Telltale does not answer</h1>
          <p>{session.error.message} This page tries again every two seconds.</p>
        </>
      )}
    </main>
  );
}
