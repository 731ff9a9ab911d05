CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL);
INSERT INTO users SELECT g, 'User' || g || '@Example.org' FROM generate_series(1, 200) g;
