CREATE TABLE events (id int, day date NOT NULL, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE INDEX events_day ON events (day);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE events_2026 (id int NOT NULL, day date NOT NULL);
INSERT INTO events_2026 SELECT g, '2026-01-01' FROM generate_series(1, 200) g;
