-- Whether a version is in an app's range, as `VersionRange.admits` in crossfade/plan/versions.py says it. `wanted` is what
-- `VersionRange.as_json` gives. A version that its scheme cannot read is NULL, never admitted, as is a range that makes no sense.
-- A key is an array of texts, one for each thing that is compared before the next. Everything is compared byte by byte,
-- so the database's locale has no say.

-- Numbers between dots, as a text that sorts as they do: each with its length in front. Zeros at the end say nothing.
CREATE FUNCTION crossfade.numbers_key(dotted text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT string_agg(lpad(length(digits)::text, 4, '0') || digits, '' ORDER BY place)
    FROM (
        SELECT place, coalesce(nullif(ltrim(part, '0'), ''), '0') AS digits
        FROM unnest(string_to_array(regexp_replace(dotted COLLATE "C", '([.]0+)+$', ''), '.'))
            WITH ORDINALITY AS written(part, place)
    ) AS numbers
$$;

-- The release; then '2' where it is one, or the pre-release's identifiers: '0' and a number, or '1' and a word.
CREATE FUNCTION crossfade.semver_key(version text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parts text[] COLLATE "C" := regexp_match(version COLLATE "C",
        '^v?((?:0|[1-9][0-9]*)[.](?:0|[1-9][0-9]*)[.](?:0|[1-9][0-9]*))'
        '(?:-((?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(?:[.](?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*))?'
        '(?:[+][0-9A-Za-z-]+(?:[.][0-9A-Za-z-]+)*)?$');
    identifiers text[] := ARRAY['2'];
BEGIN
    IF parts[2] IS NOT NULL THEN
        identifiers := ARRAY(
            SELECT CASE WHEN word COLLATE "C" ~ '^[0-9]+$' THEN '0' || crossfade.numbers_key(word) ELSE '1' || word END
            FROM unnest(string_to_array(parts[2], '.')) WITH ORDINALITY AS written(word, place)
            ORDER BY place
        );
    END IF;
    RETURN CASE WHEN parts IS NOT NULL THEN crossfade.numbers_key(parts[1]) || identifiers END;
END $$;

-- Epoch, release, pre-release, post-release, development release; then what the local version consists of, if there is one.
CREATE FUNCTION crossfade.pep440_key(version text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    space text := E'[\\u0009-\\u000d\\u001c-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]*';
    parts text[] COLLATE "C" := regexp_match(lower(version COLLATE "C") COLLATE "C",
        '^' || space || 'v?(?:([0-9]+)!)?([0-9]+(?:[.][0-9]+)*)'
        '(?:[._-]?(alpha|a|beta|b|preview|pre|c|rc)[._-]?([0-9]+)?)?'
        '(?:-([0-9]+)|[._-]?(post|rev|r)[._-]?([0-9]+)?)?'
        '(?:[._-]?(dev)[._-]?([0-9]+)?)?'
        '(?:[+]([a-z0-9]+(?:[._-][a-z0-9]+)*))?' || space || '$');
    is_post boolean := coalesce(parts[5], parts[6]) IS NOT NULL;
    is_dev boolean := parts[8] IS NOT NULL;
BEGIN
    IF parts IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN ARRAY[
        crossfade.numbers_key(coalesce(parts[1], '0')),
        crossfade.numbers_key(parts[2]),
        CASE
            WHEN parts[3] IN ('a', 'alpha') THEN '1'
            WHEN parts[3] IN ('b', 'beta') THEN '2'
            WHEN parts[3] IS NOT NULL THEN '3'
            WHEN is_dev AND NOT is_post THEN '0'
            ELSE '4'
        END || CASE WHEN parts[3] IS NULL THEN '' ELSE crossfade.numbers_key(coalesce(parts[4], '0')) END,
        CASE WHEN is_post THEN '1' || crossfade.numbers_key(coalesce(parts[5], parts[7], '0')) ELSE '0' END,
        CASE WHEN is_dev THEN '0' || crossfade.numbers_key(coalesce(parts[9], '0')) ELSE '1' END
    ] || ARRAY(
        SELECT CASE WHEN word COLLATE "C" ~ '^[0-9]+$' THEN '1' || crossfade.numbers_key(word) ELSE '0' || word END
        FROM unnest(string_to_array(translate(parts[10], '_-', '..'), '.')) WITH ORDINALITY AS written(word, place)
        ORDER BY place
    );
END $$;

-- A branch for each scheme: an expression over all of them would be made ready anew in each transaction that asks.
CREATE FUNCTION crossfade.version_key(scheme text, version text, ordered text[]) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF scheme IN ('semver', 'pep440', 'calver') AND length(version) > 200 THEN
        RETURN NULL;
    END IF;
    IF scheme = 'semver' THEN
        RETURN crossfade.semver_key(version);
    ELSIF scheme = 'pep440' THEN
        RETURN crossfade.pep440_key(version);
    ELSIF scheme = 'calver' AND version COLLATE "C" ~ '^[0-9]{1,9}([.][0-9]{1,9})*$' THEN
        RETURN ARRAY[crossfade.numbers_key(version)];
    ELSIF scheme = 'integer' AND version COLLATE "C" ~ '^[0-9]{1,18}$' THEN
        RETURN ARRAY[crossfade.numbers_key(version)];
    ELSIF scheme = 'ordered' AND version COLLATE "C" = ANY (ordered) THEN
        RETURN ARRAY[crossfade.numbers_key(array_position(ordered, version COLLATE "C")::text)];
    ELSIF scheme = 'git' AND version COLLATE "C" ~ '^[0-9a-f]{7,64}$' THEN
        RETURN ARRAY[version];
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION crossfade.version_key(text, text, text[]) IS
    'What versions are sorted by, under COLLATE "C"; NULL for one that the scheme cannot read. A commit has no order.';

-- Whether one comparator holds. How much of the keys it compares is its scheme's rule: semver's `<3.0.0` leaves out the
-- pre-releases of 3.0.0, pep440 passes over local versions that the range does not name, and `past` over post-releases.
CREATE FUNCTION crossfade.version_holds(scheme text, seen text[], op text, bound text[], upto text[]) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    compared integer := CASE
        WHEN scheme = 'semver' AND op = '<' AND bound[2] = '2' THEN 1
        WHEN scheme = 'pep440' AND op = 'past' THEN 3
        WHEN scheme = 'pep440' AND cardinality(bound) = 5 THEN 5
        ELSE greatest(cardinality(seen), cardinality(bound))
    END;
    a text[] COLLATE "C" := seen[1:compared];
    b text[] COLLATE "C" := bound[1:compared];
BEGIN
    RETURN CASE op
        WHEN '>=' THEN a >= b
        WHEN '<=' THEN a <= b
        WHEN '==' THEN a = b
        WHEN '!=' THEN a <> b
        WHEN '>' THEN a > b
        WHEN '<' THEN a < b
        WHEN 'past' THEN a > b
        WHEN 'outside' THEN CASE WHEN upto IS NOT NULL THEN a < b OR a >= upto COLLATE "C" END
    END;
END $$;

CREATE FUNCTION crossfade.version_admitted(wanted jsonb, version text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    scheme text COLLATE "C" := wanted ->> 'scheme';
    ordered text[];
    seen text[] COLLATE "C";
    is_prerelease boolean;
    comparator jsonb;
    bound text[] COLLATE "C";
    upto text[] COLLATE "C";
    holds boolean;
BEGIN
    -- Every heartbeat comes here: what only some schemes need is not even made ready for the others.
    IF scheme = 'ordered' THEN
        ordered := ARRAY(
            SELECT listed FROM jsonb_array_elements_text(wanted -> 'order') WITH ORDINALITY AS o(listed, place)
            ORDER BY place
        );
    END IF;
    seen := crossfade.version_key(scheme, version, ordered);
    is_prerelease := CASE scheme
        WHEN 'semver' THEN seen[2] <> '2'
        WHEN 'pep440' THEN left(seen[3], 1) <> '4' OR left(seen[5], 1) <> '1'
        ELSE false
    END;
    IF seen IS NULL THEN
        RETURN NULL;
    ELSIF scheme = 'git' THEN
        RETURN EXISTS (
            SELECT
            FROM jsonb_array_elements(wanted -> 'comparators') AS c
            WHERE starts_with(c ->> 1, version COLLATE "C") OR starts_with(version, (c ->> 1) COLLATE "C")
        );
    ELSIF is_prerelease AND NOT coalesce((wanted ->> 'prereleases')::boolean, false) THEN
        RETURN false;
    END IF;
    -- A comparator that cannot be read is NULL, and ends the loop as one that does not hold does: no answer is no yes.
    FOR place IN 0 .. coalesce(jsonb_array_length(wanted -> 'comparators'), 0) - 1 LOOP
        comparator := wanted -> 'comparators' -> place;
        IF scheme = 'pep440' THEN
            -- What Python worked out from a range may be longer than what an app may say.
            bound := crossfade.pep440_key(comparator ->> 1);
            upto := crossfade.pep440_key(comparator ->> 2);
        ELSE
            bound := crossfade.version_key(scheme, comparator ->> 1, ordered);
        END IF;
        holds := crossfade.version_holds(scheme, seen, comparator ->> 0, bound, upto);
        EXIT WHEN holds IS NOT TRUE;
    END LOOP;
    RETURN holds;
END $$;
COMMENT ON FUNCTION crossfade.version_admitted(jsonb, text) IS
    'Whether the version is in the range; NULL where it cannot be read.';

CREATE FUNCTION crossfade.is_covered(wanted jsonb, later jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT wanted - 'text' = later - 'text' OR coalesce(
        wanted -> 'scheme' = later -> 'scheme'
        AND wanted -> 'order' = later -> 'order'
        AND ((wanted -> 'prereleases')::boolean OR NOT (later -> 'prereleases')::boolean)
        AND jsonb_array_length(wanted -> 'comparators') = 1 AND wanted #>> '{comparators,0,0}' = '>='
        AND jsonb_array_length(later -> 'comparators') = 1 AND later #>> '{comparators,0,0}' = '>='
        AND crossfade.version_admitted(wanted, later #>> '{comparators,0,1}'), false)
$$;
COMMENT ON FUNCTION crossfade.is_covered(jsonb, jsonb) IS
    'Whether the first range certainly has every version of the second, as `>=2.0.0` has those of `>=2.1.0`.';

REVOKE ALL ON FUNCTION crossfade.numbers_key(text), crossfade.semver_key(text), crossfade.pep440_key(text),
    crossfade.version_key(text, text, text[]), crossfade.version_holds(text, text[], text, text[], text[]),
    crossfade.version_admitted(jsonb, text), crossfade.is_covered(jsonb, jsonb) FROM PUBLIC;
