// Heartbeats by node-postgres, each on a short connection of its own: a pool that is used up delays none.

import pg from 'pg';

import { applicationName } from './heartbeat.mjs';

// One statement outside of a transaction block: its locks are gone as soon as it is answered, and a pooler in
// transaction mode has nothing to keep. The time-out counts for this statement only.
const CAN_I_RUN = "SELECT crossfade.can_i_run($1, $2) FROM set_config('lock_timeout', '5s', true)";
const HEARTBEAT = "SELECT crossfade.heartbeat($1, $2, $3) FROM set_config('lock_timeout', '5s', true)";

export function pgDatabase(connectionString, me) {
  async function ask(text, values) {
    const client = new pg.Client({
      connectionString,
      application_name: applicationName(me),
      connectionTimeoutMillis: 5000,
      query_timeout: 10000,
    });
    // Without a listener, a connection that is lost between two calls would end the process.
    client.on('error', () => {});
    try {
      await client.connect();
      const { rows } = await client.query({ text, values, rowMode: 'array' });
      return rows[0][0];
    } finally {
      // Nobody waits for a goodbye that may never come.
      client.end().catch(() => {});
    }
  }

  return {
    canIRun: () => ask(CAN_I_RUN, [me.app, me.version]),
    heartbeat: () => ask(HEARTBEAT, [me.app, me.version, me.name]),
  };
}
