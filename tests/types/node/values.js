// Prints what node-postgres makes of the only row of app.everything: the kind of each value, by column.
const { Client } = require('pg');

function kind(value) {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `${kind(value[0])}[]`;
  return typeof value === 'object' ? value.constructor.name : typeof value;
}

async function main() {
  const client = new Client({ connectionString: process.argv[2] });
  await client.connect();
  const { rows } = await client.query('SELECT * FROM app.everything');
  await client.end();
  console.log(JSON.stringify(Object.fromEntries(Object.entries(rows[0]).map(([name, value]) => [name, kind(value)]))));
}

main();
