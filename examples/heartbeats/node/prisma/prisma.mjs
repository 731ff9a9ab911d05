// Heartbeats by Prisma. Give it a client of its own with one connection, as the README does: the app's may be used up.

export function prismaDatabase(prisma, { app, version, name }) {
  // One statement outside of a transaction block: its locks are gone as soon as it is answered, and a pooler in
  // transaction mode has nothing to keep. The time-out counts for this statement only.
  return {
    async canIRun() {
      const [row] = await prisma.$queryRaw`
        SELECT crossfade.can_i_run(${app}, ${version}) AS answer FROM set_config('lock_timeout', '5s', true)`;
      return row.answer;
    },
    async heartbeat() {
      const [row] = await prisma.$queryRaw`
        SELECT crossfade.heartbeat(${app}, ${version}, ${name}) AS answer FROM set_config('lock_timeout', '5s', true)`;
      return row.answer;
    },
  };
}
