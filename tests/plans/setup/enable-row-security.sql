CREATE TABLE users (id bigint PRIMARY KEY, tenant int NOT NULL);
INSERT INTO users SELECT g, g % 4 FROM generate_series(1, 200) g;
