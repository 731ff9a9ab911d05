CREATE TABLE old_users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text);
INSERT INTO old_users (email) SELECT 'user' || g FROM generate_series(1, 200) g;
