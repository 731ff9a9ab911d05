// Says to crossfade that this instance is live, and lets it end where its version may not work on the database any more.
//
// Copy this file and the one for your library. What goes wrong with a heartbeat is logged and never ends the app: only
// an answer of `false` does, at the start by `Fenced`, later by `onFenced`.

/** This version may not work on the database as it is now. */
export class Fenced extends Error {
  name = 'Fenced';
}

/**
 * For every connection of the app, so that crossfade and you can tell whose it is.
 * @param {{ app: string, version: string, name: string }} me the app as the plan's roster calls it, its version, and a
 *   name of the instance's own: host name, pod name
 */
export function applicationName({ app, version, name }) {
  return `${app}@${version}/${name}`;
}

/**
 * Ask whether this version may run, then report it until the process ends; rejects with Fenced where it may not.
 * `onFenced` is called once when a heartbeat is told so later: it begins a shutdown and returns at once, since an
 * instance that finishes its work is still live and has to be reported.
 * @param {{ canIRun(): Promise<boolean>, heartbeat(): Promise<boolean> }} database
 * @param {{ onFenced: () => void, seconds?: number, log?: Pick<Console, 'warn' | 'error'> }} options
 */
export async function start(database, { onFenced, seconds = 20, log = console }) {
  let allowed;
  try {
    allowed = await database.canIRun();
  } catch (error) {
    log.warn('could not ask whether this version may run; starting all the same:', error);
  }
  if (allowed === false) {
    throw new Fenced('this version may not work on the database as it is now; ask: crossfade can-i-run APP VERSION');
  }

  let told = false;
  let failing = false;
  async function report() {
    try {
      if ((await database.heartbeat()) === false && !told) {
        log.error('this version may not work on the database any more: shutting down');
        onFenced();
        told = true;
      }
      if (failing) log.warn('heartbeats work again');
      failing = false;
    } catch (error) {
      if (!failing) log.warn('a heartbeat failed; the app goes on, and so do heartbeats:', error);
      failing = true;
    }
    // Instances that were started together don't stay together; and no process is kept alive by this.
    setTimeout(report, seconds * 1000 * (0.8 + 0.4 * Math.random())).unref();
  }
  report();
}
