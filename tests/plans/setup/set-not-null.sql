CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, country text);
INSERT INTO users (country) SELECT CASE WHEN g % 3 = 0 THEN 'fr' END FROM generate_series(1, 200) g;
