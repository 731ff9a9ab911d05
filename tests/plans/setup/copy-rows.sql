CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL, wants_newsletter bool NOT NULL);
CREATE TABLE subscribers (user_id int PRIMARY KEY, address text NOT NULL);
INSERT INTO users SELECT g, 'User' || g || '@example.org', g % 2 = 0 FROM generate_series(1, 200) g;
