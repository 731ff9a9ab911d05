// Prisma 6 with the schema engine that comes with its package, so that nothing is fetched. The adapter does not know the
// types "char", name and name[], which the engine's first query has: they are told to it as text.
import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";

const types: Record<number, number> = { 18: 25, 19: 25, 1003: 1009 };
const query = pg.Client.prototype.query as any;

const told = (found: any) => {
  for (const field of found?.fields ?? []) field.dataTypeID = types[field.dataTypeID] ?? field.dataTypeID;
  return found;
};

pg.Client.prototype.query = function (this: any, ...given: any[]) {
  const last = given[given.length - 1];
  if (typeof last === "function") given[given.length - 1] = (error: any, found: any) => last(error, told(found));
  const made = query.apply(this, given);
  return typeof made?.then === "function" ? made.then(told) : made;
} as any;

export default {
  experimental: { adapter: true },
  engine: "js",
  schema: "prisma/schema.prisma",
  adapter: async () => new PrismaPg(JSON.parse(process.env.TEST_DATABASE!)),
};
