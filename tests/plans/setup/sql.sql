CREATE TABLE articles (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    body text NOT NULL,
    keywords text[]
);
INSERT INTO articles (body, keywords) SELECT 'the body of article ' || g, ARRAY['a', 'b'] FROM generate_series(1, 200) g;
