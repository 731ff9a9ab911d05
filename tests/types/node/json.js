// Writes values into the column of a table `a`, and prints what it holds then, and why a list is refused.
const { Client } = require('pg');

async function main() {
  const client = new Client({ connectionString: process.argv[2] });
  await client.connect();
  for (const value of [{ a: [1] }, '[1]', 5, true]) await client.query('INSERT INTO a (b) VALUES ($1)', [value]);
  const { rows } = await client.query('SELECT b FROM a ORDER BY id');
  const refused = await client.query('INSERT INTO a (b) VALUES ($1)', [[1]]).catch((error) => error.message);
  await client.end();
  console.log(JSON.stringify(rows.map((row) => row.b)));
  console.log(JSON.stringify([refused]));
}

main();
