CREATE TABLE users (id bigint PRIMARY KEY, email text) WITH (parallel_workers = 2);
