// Prints what node-postgres makes of a bigint, and of one in an array, once a parser is set for bigint.
const { Client, types } = require('pg');

async function main() {
  types.setTypeParser(types.builtins.INT8, BigInt);
  const client = new Client({ connectionString: process.argv[2] });
  await client.connect();
  await client.query('CREATE TABLE written (bigs bigint[])');
  await client.query('INSERT INTO written VALUES ($1)', [[1n, 2, '3']]);
  const { rows } = await client.query('SELECT 1::bigint AS big, bigs FROM written');
  await client.end();
  console.log(typeof rows[0].big, typeof rows[0].bigs[0]);
}

main();
