CREATE TABLE bookings (id int PRIMARY KEY, room int, during tstzrange, cancelled boolean NOT NULL DEFAULT false);
INSERT INTO bookings SELECT g, g, tstzrange(now(), now() + interval '1 hour') FROM generate_series(1, 200) g;
