//! The system catalogue as far as psql's `\d`, `\dt`, `\di`, `\dn` and `\l` read it. It lists the service's tables only.

use super::relation::{RELATIONS, Relation};
use super::value::{Type, Value};

/// An index of a table, on one column.
pub struct Index {
    table: &'static str,
    pub name: &'static str,
    pub column: &'static str,
    primary: bool,
}

const fn index(table: &'static str, name: &'static str, column: &'static str, primary: bool) -> Index {
    Index {
        table,
        name,
        column,
        primary,
    }
}

/// As the service's migrations made them.
const INDEXES: [Index; 9] = [
    index("clusters", "clusters_pkey", "id", true),
    index("clusters", "idx_clusters_cluster_id", "cluster_id", false),
    index("clusters", "idx_clusters_deleted_at", "deleted_at", false),
    index("kafka_requests", "kafka_requests_pkey", "id", true),
    index(
        "kafka_requests",
        "idx_kafka_requests_deleted_at",
        "deleted_at",
        false,
    ),
    index("kafka_requests", "idx_kafka_requests_name", "name", false),
    index("leader_leases", "leader_leases_pkey", "id", true),
    index(
        "leader_leases",
        "idx_leader_leases_deleted_at",
        "deleted_at",
        false,
    ),
    index("migrations", "migrations_pkey", "id", true),
];

const FIRST_TABLE: i64 = 16_385;
const FIRST_INDEX: i64 = 16_401;
const FIRST_CONSTRAINT: i64 = 16_421;
/// The default privileges of `public` and of the superuser.
const PUBLIC: i64 = 2_200;
const SUPERUSER: i64 = 10;
const DATABASE_OWNER: i64 = 6_171;
const HEAP: i64 = 2;
const BTREE: i64 = 403;

fn int(value: i64) -> Value {
    Value::Int(value)
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn no() -> Value {
    Value::Bool(false)
}

fn table_oid(name: &str) -> Value {
    let place = RELATIONS.iter().position(|relation| relation.name == name);
    place.map_or(Value::Null, |place| int(FIRST_TABLE + place as i64))
}

fn number(oid: i64, first: i64) -> Option<usize> {
    usize::try_from(oid - first).ok()
}

/// `pg_get_indexdef`.
pub fn index_definition(oid: i64) -> Option<String> {
    let index = INDEXES.get(number(oid, FIRST_INDEX)?)?;
    let unique = if index.primary { "UNIQUE " } else { "" };
    Some(format!(
        "CREATE {unique}INDEX {} ON {} USING btree ({})",
        index.name, index.table, index.column
    ))
}

/// `pg_get_constraintdef`: the only constraints are primary keys.
pub fn constraint_definition(oid: i64) -> Option<String> {
    let index = INDEXES.get(number(oid, FIRST_CONSTRAINT)?)?;
    Some(format!("PRIMARY KEY ({})", index.column))
}

/// `pg_get_userbyid`.
pub fn role(oid: i64) -> String {
    match oid {
        SUPERUSER => "postgres".to_owned(),
        DATABASE_OWNER => "pg_database_owner".to_owned(),
        other => format!("unknown (OID={other})"),
    }
}

/// `format_type`, of the types of the service's columns.
pub fn type_name(oid: i64, modifier: i64) -> String {
    match oid {
        16 => "boolean".to_owned(),
        25 => "text".to_owned(),
        1043 if modifier > 4 => format!("character varying({})", modifier - 4),
        1184 => "timestamp with time zone".to_owned(),
        _ => "???".to_owned(),
    }
}

/// A column's declared type and its modifier; the migrations' ids are of limited length.
fn declared(relation: &Relation, ty: Type) -> (i64, i64) {
    match ty {
        Type::Bool => (16, -1),
        Type::Timestamptz => (1184, -1),
        _ if relation.name == "migrations" => (1043, 259),
        _ => (25, -1),
    }
}

fn default_of(table: &str, column: &str) -> Option<&'static str> {
    ((table, column) == ("kafka_requests", "multi_az")).then_some("false")
}

/// One row a column: table, its place from 1, name and type.
fn columns() -> impl Iterator<Item = (&'static Relation, i64, &'static str, Type)> {
    RELATIONS.iter().flat_map(|relation| {
        let numbered = (1_i64..).zip(relation.columns);
        numbered.map(move |(number, (name, ty))| (relation, number, *name, *ty))
    })
}

fn class(oid: Value, name: &str, kind: &str, access: i64, has_index: bool) -> Vec<Value> {
    let replica = if kind == "r" { "d" } else { "n" };
    vec![
        oid,
        text(name),
        int(PUBLIC),
        int(SUPERUSER),
        text(kind),
        int(access),
        int(0),
        int(0),
        int(0),
        int(0),
        Value::Bool(has_index),
        no(),
        no(),
        no(),
        no(),
        no(),
        text("p"),
        text(replica),
        Value::Null,
    ]
}

const PG_CLASS: Relation = Relation {
    name: "pg_class",
    columns: &[
        ("oid", Type::Int8),
        ("relname", Type::Text),
        ("relnamespace", Type::Int8),
        ("relowner", Type::Int8),
        ("relkind", Type::Text),
        ("relam", Type::Int8),
        ("reloftype", Type::Int8),
        ("reltoastrelid", Type::Int8),
        ("reltablespace", Type::Int8),
        ("relchecks", Type::Int4),
        ("relhasindex", Type::Bool),
        ("relhasrules", Type::Bool),
        ("relhastriggers", Type::Bool),
        ("relrowsecurity", Type::Bool),
        ("relforcerowsecurity", Type::Bool),
        ("relispartition", Type::Bool),
        ("relpersistence", Type::Text),
        ("relreplident", Type::Text),
        ("relpartbound", Type::Text),
    ],
    rows: |_| {
        let tables = RELATIONS
            .iter()
            .map(|relation| class(table_oid(relation.name), relation.name, "r", HEAP, true));
        let indexes = (FIRST_INDEX..)
            .zip(&INDEXES)
            .map(|(oid, index)| class(int(oid), index.name, "i", BTREE, false));
        tables.chain(indexes).collect()
    },
};

const PG_NAMESPACE: Relation = Relation {
    name: "pg_namespace",
    columns: &[
        ("oid", Type::Int8),
        ("nspname", Type::Text),
        ("nspowner", Type::Int8),
    ],
    rows: |_| {
        let namespace = |oid, name, owner| vec![int(oid), text(name), int(owner)];
        vec![
            namespace(11, "pg_catalog", SUPERUSER),
            namespace(PUBLIC, "public", DATABASE_OWNER),
            namespace(13_338, "information_schema", SUPERUSER),
        ]
    },
};

const PG_AM: Relation = Relation {
    name: "pg_am",
    columns: &[("oid", Type::Int8), ("amname", Type::Text)],
    rows: |_| vec![vec![int(HEAP), text("heap")], vec![int(BTREE), text("btree")]],
};

const PG_ATTRIBUTE: Relation = Relation {
    name: "pg_attribute",
    columns: &[
        ("attrelid", Type::Int8),
        ("attname", Type::Text),
        ("attnum", Type::Int4),
        ("atttypid", Type::Int8),
        ("atttypmod", Type::Int4),
        ("attnotnull", Type::Bool),
        ("atthasdef", Type::Bool),
        ("attisdropped", Type::Bool),
        ("attcollation", Type::Int8),
        ("attidentity", Type::Text),
        ("attgenerated", Type::Text),
    ],
    rows: |_| {
        let rows = columns().map(|(relation, number, name, ty)| {
            let (oid, modifier) = declared(relation, ty);
            vec![
                table_oid(relation.name),
                text(name),
                int(number),
                int(oid),
                int(modifier),
                Value::Bool(name == "id"),
                Value::Bool(default_of(relation.name, name).is_some()),
                no(),
                int(if ty == Type::Text { 100 } else { 0 }),
                text(""),
                text(""),
            ]
        });
        rows.collect()
    },
};

const PG_ATTRDEF: Relation = Relation {
    name: "pg_attrdef",
    columns: &[
        ("adrelid", Type::Int8),
        ("adnum", Type::Int4),
        ("adbin", Type::Text),
    ],
    rows: |_| {
        let rows = columns().filter_map(|(relation, number, name, _)| {
            let default = default_of(relation.name, name)?;
            Some(vec![table_oid(relation.name), int(number), text(default)])
        });
        rows.collect()
    },
};

const PG_INDEX: Relation = Relation {
    name: "pg_index",
    columns: &[
        ("indexrelid", Type::Int8),
        ("indrelid", Type::Int8),
        ("indisprimary", Type::Bool),
        ("indisunique", Type::Bool),
        ("indisclustered", Type::Bool),
        ("indisvalid", Type::Bool),
        ("indisreplident", Type::Bool),
    ],
    rows: |_| {
        let rows = (FIRST_INDEX..).zip(&INDEXES).map(|(oid, index)| {
            vec![
                int(oid),
                table_oid(index.table),
                Value::Bool(index.primary),
                Value::Bool(index.primary),
                no(),
                Value::Bool(true),
                no(),
            ]
        });
        rows.collect()
    },
};

const PG_CONSTRAINT: Relation = Relation {
    name: "pg_constraint",
    columns: &[
        ("oid", Type::Int8),
        ("conname", Type::Text),
        ("conrelid", Type::Int8),
        ("conindid", Type::Int8),
        ("contype", Type::Text),
        ("condeferrable", Type::Bool),
        ("condeferred", Type::Bool),
    ],
    rows: |_| {
        let numbered = (0_i64..).zip(&INDEXES).filter(|(_, index)| index.primary);
        let rows = numbered.map(|(number, index)| {
            vec![
                int(FIRST_CONSTRAINT + number),
                text(index.name),
                table_oid(index.table),
                int(FIRST_INDEX + number),
                text("p"),
                no(),
                no(),
            ]
        });
        rows.collect()
    },
};

const PG_DATABASE: Relation = Relation {
    name: "pg_database",
    columns: &[
        ("oid", Type::Int8),
        ("datname", Type::Text),
        ("datdba", Type::Int8),
        ("encoding", Type::Int4),
        ("datcollate", Type::Text),
        ("datctype", Type::Text),
        ("daticulocale", Type::Text),
        ("datlocprovider", Type::Text),
        ("datacl", Type::TextArray),
    ],
    rows: |context| {
        vec![vec![
            int(16_384),
            text(context.database),
            int(SUPERUSER),
            int(6),
            text("C.UTF-8"),
            text("C.UTF-8"),
            Value::Null,
            text("c"),
            Value::Null,
        ]]
    },
};

const PG_TABLES: Relation = Relation {
    name: "pg_tables",
    columns: &[
        ("schemaname", Type::Text),
        ("tablename", Type::Text),
        ("tableowner", Type::Text),
    ],
    rows: |_| {
        let tables = RELATIONS.iter();
        let rows = tables.map(|relation| vec![text("public"), text(relation.name), text("postgres")]);
        rows.collect()
    },
};

const TABLES: Relation = Relation {
    name: "tables",
    columns: &[
        ("table_catalog", Type::Text),
        ("table_schema", Type::Text),
        ("table_name", Type::Text),
        ("table_type", Type::Text),
    ],
    rows: |context| {
        let row = |relation: &Relation| {
            vec![
                text(context.database),
                text("public"),
                text(relation.name),
                text("BASE TABLE"),
            ]
        };
        RELATIONS.iter().map(row).collect()
    },
};

const COLUMNS: Relation = Relation {
    name: "columns",
    columns: &[
        ("table_catalog", Type::Text),
        ("table_schema", Type::Text),
        ("table_name", Type::Text),
        ("column_name", Type::Text),
        ("ordinal_position", Type::Int4),
        ("column_default", Type::Text),
        ("is_nullable", Type::Text),
        ("data_type", Type::Text),
    ],
    rows: |context| {
        let rows = columns().map(|(relation, number, name, ty)| {
            let (oid, _) = declared(relation, ty);
            let declared = if oid == 1043 {
                "character varying".to_owned()
            } else {
                type_name(oid, -1)
            };
            vec![
                text(context.database),
                text("public"),
                text(relation.name),
                text(name),
                int(number),
                default_of(relation.name, name).map_or(Value::Null, text),
                text(if name == "id" { "NO" } else { "YES" }),
                Value::Text(declared),
            ]
        });
        rows.collect()
    },
};

/// A catalogue table of things that this database has none of: it has no rows.
const fn without_rows(name: &'static str) -> Relation {
    Relation {
        name,
        columns: &[],
        rows: |_| Vec::new(),
    }
}

static CATALOGUE: [Relation; 20] = [
    PG_CLASS,
    PG_NAMESPACE,
    PG_AM,
    PG_ATTRIBUTE,
    PG_ATTRDEF,
    PG_INDEX,
    PG_CONSTRAINT,
    PG_DATABASE,
    PG_TABLES,
    without_rows("pg_collation"),
    without_rows("pg_inherits"),
    without_rows("pg_policy"),
    without_rows("pg_publication"),
    without_rows("pg_publication_namespace"),
    without_rows("pg_publication_rel"),
    without_rows("pg_type"),
    without_rows("pg_statistic_ext"),
    without_rows("pg_trigger"),
    without_rows("pg_foreign_table"),
    without_rows("pg_event_trigger"),
];

static INFORMATION_SCHEMA: [Relation; 2] = [TABLES, COLUMNS];

/// A table of `pg_catalog`.
pub fn catalogue(name: &str) -> Option<&'static Relation> {
    CATALOGUE.iter().find(|relation| relation.name == name)
}

/// A view of `information_schema`.
pub fn information_schema(name: &str) -> Option<&'static Relation> {
    INFORMATION_SCHEMA.iter().find(|relation| relation.name == name)
}
