// Heartbeats by Drizzle over node-postgres. Give it a small pool of its own, as the README does: the app's may be used up.

import { sql } from 'drizzle-orm';

export function drizzleDatabase(db, { app, version, name }) {
  // One statement outside of a transaction block: its locks are gone as soon as it is answered, and a pooler in
  // transaction mode has nothing to keep. The time-out counts for this statement only.
  async function ask(call) {
    const { rows } = await db.execute(sql`SELECT ${call} AS answer FROM set_config('lock_timeout', '5s', true)`);
    return rows[0].answer;
  }

  return {
    canIRun: () => ask(sql`crossfade.can_i_run(${app}, ${version})`),
    heartbeat: () => ask(sql`crossfade.heartbeat(${app}, ${version}, ${name})`),
  };
}
