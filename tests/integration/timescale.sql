-- A stand-in for the TimescaleDB extension, which no package here brings: the functions that we call,
-- with the names, arguments and answers of TimescaleDB 2.10 to 2.27, and its conditions for a
-- hypertable. Its chunks are child tables that a trigger fills.
--
-- What it cannot stand for: "any" arguments (only timestamptz here), the planner, compression.

CREATE FUNCTION create_hypertable(
    relation regclass,
    time_column_name name,
    partitioning_column name = NULL,
    number_partitions integer = NULL,
    associated_schema_name name = NULL,
    associated_table_prefix name = NULL,
    chunk_time_interval anyelement = NULL::bigint,
    create_default_indexes boolean = TRUE,
    if_not_exists boolean = FALSE
) RETURNS TABLE (hypertable_id int, schema_name name, table_name name, created bool)
LANGUAGE plpgsql AS $$
DECLARE
    time_number smallint;
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = relation) <> 'r' THEN
        RAISE 'table "%" is already partitioned', relation;
    END IF;
    SELECT attnum INTO STRICT time_number FROM pg_attribute
    WHERE attrelid = relation AND attname = time_column_name AND attnotnull
      AND atttypid = 'timestamptz'::regtype;
    IF EXISTS (SELECT FROM pg_index WHERE indrelid = relation AND indisunique
               AND NOT time_number = ANY (indkey::smallint[])) THEN
        RAISE 'cannot create a unique index without the column "%" (used in partitioning)',
            time_column_name;
    END IF;
    IF pg_typeof(chunk_time_interval) <> 'interval'::regtype THEN
        RAISE 'the interval is of the type %', pg_typeof(chunk_time_interval);
    END IF;
    EXECUTE format(
        'CREATE TRIGGER to_chunk BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION to_chunk(%L, %L)',
        relation, time_column_name, extract(epoch FROM chunk_time_interval::text::interval));
    RETURN QUERY SELECT 1, 'public'::name, relation::text::name, TRUE;
END $$;

CREATE TABLE chunk (name text PRIMARY KEY, until timestamptz NOT NULL);

CREATE FUNCTION to_chunk() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    seconds numeric := TG_ARGV[1];
    at timestamptz := to_jsonb(NEW) ->> TG_ARGV[0];
    number bigint := floor(extract(epoch FROM at) / seconds);
    chunk_name text := format('_hyper_1_%s_chunk', number);
BEGIN
    IF to_regclass(chunk_name) IS NULL THEN
        EXECUTE format('CREATE TABLE %I () INHERITS (%I)', chunk_name, TG_TABLE_NAME);
        INSERT INTO chunk VALUES (chunk_name, to_timestamp((number + 1) * seconds));
    END IF;
    EXECUTE format('INSERT INTO %I SELECT ($1).*', chunk_name) USING NEW;
    RETURN NULL;
END $$;

CREATE FUNCTION show_chunks(relation regclass, older_than timestamptz = NULL)
RETURNS SETOF regclass LANGUAGE sql AS $$
    SELECT name::regclass FROM chunk WHERE until <= older_than ORDER BY until
$$;

CREATE FUNCTION drop_chunks(relation regclass, older_than timestamptz = NULL)
RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    old text;
BEGIN
    FOR old IN DELETE FROM chunk WHERE until <= older_than RETURNING name LOOP
        EXECUTE format('DROP TABLE %I', old);
        RETURN NEXT old;
    END LOOP;
END $$;
