CREATE TABLE readings (sensor int, taken_at timestamptz NOT NULL, value real);
INSERT INTO readings SELECT g, now(), g FROM generate_series(1, 200) g;
