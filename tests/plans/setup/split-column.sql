CREATE TABLE people (id int PRIMARY KEY, full_name text NOT NULL);
INSERT INTO people SELECT g, 'First' || g || ' Last ' || g FROM generate_series(1, 100) g;
