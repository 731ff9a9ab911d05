CREATE TABLE shops (id int PRIMARY KEY, zip varchar(5), city text);
INSERT INTO shops SELECT g, lpad(g::text, 5, '0'), 'City ' || g FROM generate_series(1, 100) g;
