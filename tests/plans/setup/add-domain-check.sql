CREATE DOMAIN email AS text;
CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email email);
INSERT INTO users (email) SELECT CASE WHEN g % 10 = 0 THEN 'U' ELSE 'u' END || g FROM generate_series(1, 200) g;
