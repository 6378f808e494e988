//! Whether tables and columns have plain names, and statuses differ.

use super::Mistakes;
use super::identifier::is_column;
use crate::profile::Table;

impl<'a> Mistakes<'a> {
    pub(super) fn column(&mut self, path: &str, name: &str) {
        self.require(is_column(name), path, || {
            format!("`{name}` is not a plain name of the database: a-z, 0-9 and `_`, 63 at most")
        });
    }

    pub(super) fn database(&mut self) {
        let Some(database) = &self.profile.database else {
            return;
        };
        self.object_name("database.secret.name", &database.secret.name);
        self.require(!database.tables.is_empty(), "database.tables", || {
            "there is no table".to_owned()
        });
        self.unique(
            "table",
            database.tables.iter().map(|table| table.name.as_str()),
            |index| format!("database.tables[{index}].name"),
        );
        for (index, table) in database.tables.iter().enumerate() {
            self.columns_and_statuses(&format!("database.tables[{index}]"), table);
        }
    }

    fn columns_and_statuses(&mut self, path: &str, table: &'a Table) {
        self.column(&format!("{path}.name"), &table.name);
        let columns = [("ocm-id", &table.ocm_id), ("reason", &table.reason)];
        for (key, column) in columns {
            if let Some(column) = column {
                self.column(&format!("{path}.{key}"), column);
            }
        }
        self.unique(
            "status",
            table.statuses.iter().map(|status| status.name.as_str()),
            |index| format!("{path}.statuses[{index}].name"),
        );
        for (index, status) in table.statuses.iter().enumerate() {
            let path = format!("{path}.statuses[{index}].name");
            self.require(!status.name.is_empty(), &path, || {
                "a blank status is always shown, and can't have a role".to_owned()
            });
        }
    }
}
