//! What the demo asks of trueup.

use trueup::runtime::Reader;
use trueup::{Connector, Context, FindingId, ReadRequest, Reconciliation, Report, Snapshot};

use crate::Result;
use crate::catalogue::{KEY, Release};
use crate::findings::Findings;
use crate::inventory::{Inventory, TABLE};

/// Small enough to see a reading go on.
const PAGE: usize = 8_192;

/// Packages by name and architecture.
pub fn by_key() -> Reconciliation {
    Reconciliation::new("software catalogue").with_resource(TABLE).with_key(KEY)
}

/// The same, where a package that is left over on both sides is one that changed architecture.
pub fn with_renames() -> Reconciliation {
    by_key().with_alternate_key(["package"])
}

/// Reads what should be: a release of the catalogue.
///
/// # Errors
/// Those of the connector.
pub async fn read_catalogue(release: Release, context: Context) -> Result<Snapshot> {
    read(&release.connector()?, release.name(), context).await
}

/// Reads what is: the inventory's table.
///
/// # Errors
/// Those of the connector.
pub async fn read_inventory(inventory: &Inventory, context: Context) -> Result<Snapshot> {
    read(&*inventory.whereabouts().connector().await?, TABLE, context).await
}

/// Findings worth a closer look, as far as the report has them.
///
/// # Errors
/// Those of [`Report::findings`].
pub fn worth_explaining(report: &Report) -> Result<Vec<FindingId>> {
    let wanted = [
        ("changed", "bash", Some("version")),
        ("changed", "black", Some("architecture")),
        ("missing", "python3.13", None),
        ("unexpected", "python3.11", None),
    ];
    let mut found = [None; 4];
    for batch in report.findings() {
        let findings = Findings::new(&batch?)?;
        for finding in findings.iter() {
            let what = (finding.kind, finding.package, finding.field);
            let place = wanted.iter().zip(&mut found).find(|(wanted, _)| **wanted == what);
            if let Some((_, place @ None)) = place {
                *place = Some(finding.id.parse()?);
            }
        }
    }
    Ok(found.into_iter().flatten().collect())
}

async fn read(connector: &dyn Connector, resource: &str, context: Context) -> Result<Snapshot> {
    let request = ReadRequest::new(resource).with_page_size(PAGE);
    Ok(Reader::new().read_all(connector, context, request).await?)
}
