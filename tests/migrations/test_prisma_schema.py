"""schema.prisma: names of the database beside those of the schema."""

from __future__ import annotations

from crossfade.migrations.prisma_schema import prisma_schema

TEXT = """
generator client { provider = "prisma-client" }
datasource db {
  provider = "postgresql"
}
/// Who may log in.
model User {
  id       Int      @id @default(autoincrement()) // the key
  fullName String?  @map("full_name") @db.VarChar(50)
  site     String   @default("https://example.com // no comment")
  tags     String[]
  place    Unsupported("point")?
  posts    Post[]
  kind     Kind     @default(PLAIN) @map(name: "user_kind")

  @@unique([fullName])
  @@map("users")
  @@schema("app")
}
model Post {
  id       Int  @id
  author   User @relation(fields: [authorId], references: [id], map: "post_author")
  authorId Int
}
enum Kind {
  PLAIN
  ODD   @map("odd one")
  @@map("user_kinds")
}
"""


def test_models_have_tables_and_fields_columns() -> None:
    schema = prisma_schema(TEXT)
    assert [(model.name, model.table, model.schema) for model in schema.models] == [
        ("User", "users", "app"),
        ("Post", "Post", None),
    ]
    users = schema.of_table("users")
    assert users is not None
    named = {f.name: (f.type, f.column, f.is_list, f.is_optional, f.native) for f in users.fields if not f.is_relation}
    assert named == {
        "id": ("Int", "id", False, False, None),
        "fullName": ("String", "full_name", False, True, "VarChar(50)"),
        "site": ("String", "site", False, False, None),
        "tags": ("String", "tags", True, False, None),
        "place": ('Unsupported("point")', "place", False, True, None),
        "kind": ("Kind", "user_kind", False, False, None),
    }
    field = users.of_column("full_name")
    assert field is not None
    assert field.name == "fullName"


def test_a_relation_has_no_column() -> None:
    posts = prisma_schema(TEXT).of_table("Post")
    assert posts is not None
    assert posts.of_column("author") is None
    assert posts.of_column("authorId") is not None


def test_enums_have_labels() -> None:
    (kind,) = prisma_schema(TEXT).enums
    assert (kind.name, kind.type) == ("Kind", "user_kinds")
    assert [(value.name, value.label) for value in kind.values] == [("PLAIN", "PLAIN"), ("ODD", "odd one")]
