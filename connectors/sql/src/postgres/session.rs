//! One connection to the server, inside one transaction.

use std::sync::Arc;

use futures_util::future::{Either, select};
use tokio::time::{Duration, sleep};
use trueup_connector::{Error, Kind, Result};

use super::catalog::{self, ColumnShape, Described, Need, Shape, get};
use super::config::PostgresConfig;
use super::error::error;
use super::tls::{self, Link};
use super::types::Wire;
use crate::ask::Stop;
use crate::source::{self, Source, quote};

/// How often it is seen whether the work is still wanted.
const TICK: Duration = Duration::from_millis(50);

/// A connection, whose transaction ends when this is dropped.
pub(crate) struct Session {
    pub(crate) link: Link,
    config: Arc<PostgresConfig>,
}

impl Session {
    /// Connects, and takes a view of the database.
    pub(crate) async fn open(config: &Arc<PostgresConfig>) -> Result<Self> {
        let session = Self::open_to_write(config).await?;
        session.begin("isolation level repeatable read read only").await?;
        Ok(session)
    }

    /// Connects, and begins nothing yet.
    pub(crate) async fn open_to_write(config: &Arc<PostgresConfig>) -> Result<Self> {
        Ok(Self { link: tls::connect(config).await?, config: config.clone() })
    }

    /// Begins a transaction that writes, and sees each record as it is when it is looked at.
    pub(crate) async fn begin_to_write(&self) -> Result<()> {
        self.begin("isolation level read committed read write").await?;
        let ends = "set local synchronous_commit = on";
        self.link.client.batch_execute(ends).await.map_err(error)
    }

    async fn begin(&self, kind: &str) -> Result<()> {
        let config = &self.config;
        // What a session is set to must not change how values are printed.
        let begin = format!(
            "begin {kind};
             set local datestyle = 'ISO, YMD'; set local intervalstyle = 'postgres';
             set local timezone = 'UTC'; set local bytea_output = 'hex';
             set local extra_float_digits = 1; set local xmloption = 'content';
             set local lock_timeout = {}; set local idle_in_transaction_session_timeout = {}",
            config.lock_timeout_ms.min(i32::MAX as u64),
            config.idle_timeout_ms.min(i32::MAX as u64),
        );
        self.link.client.batch_execute(&begin).await.map_err(error)
    }

    /// Gives the view up in order.
    pub(crate) async fn close(self) {
        self.link.close().await;
    }

    /// Whether the resources asked for are there, without reading records.
    pub(crate) async fn check(&self) -> Result<()> {
        for source in catalog::sources(&self.link.client, &self.config.resources).await? {
            catalog::shape(&self.link.client, &source).await?;
        }
        Ok(())
    }

    /// The resources there are.
    pub(crate) async fn describe_all(&self) -> Result<Vec<Described>> {
        let mut all = Vec::new();
        for source in catalog::sources(&self.link.client, &self.config.resources).await? {
            all.push(self.describe(&source, None).await?);
        }
        Ok(all)
    }

    /// The source of a resource.
    pub(crate) async fn source(&self, name: &str) -> Result<Source> {
        let sources = catalog::sources(&self.link.client, &self.config.resources).await?;
        source::find(&sources, name)
    }

    /// What a resource looks like; digits that the values decide are taken from `earlier`.
    pub(crate) async fn describe(
        &self,
        source: &Source,
        earlier: Option<&Described>,
    ) -> Result<Described> {
        let shape = catalog::shape(&self.link.client, source).await?;
        match earlier {
            Some(earlier) if earlier.shape == shape => Ok(earlier.clone()),
            Some(_) => Err(changed(&shape.name)),
            None => {
                let needs = self.measure(&shape).await?;
                shape.describe(&needs)
            }
        }
    }

    /// The digits that the values of each column need whose digits the catalogue leaves open.
    async fn measure(&self, shape: &Shape) -> Result<Vec<Need>> {
        let open = shape.columns.iter().filter(|column| column.ty.ty.is_none());
        let asked: Vec<String> = open.map(digits).collect();
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!("select {} from {} as t", asked.join(", "), shape.from);
        let place = |cause| error(cause).with("resource", &shape.name);
        let row = self.link.client.query_one(&sql, &[]).await.map_err(place)?;
        let needs = (0..asked.len()).map(|at| {
            let (scale, largest): (Option<i32>, Option<&str>) =
                (get(&row, at * 2)?, get(&row, at * 2 + 1)?);
            let whole = largest.filter(|largest| *largest != "0").map_or(0, str::len);
            Ok((scale.map_or(0, |scale| u8::try_from(scale).unwrap_or(u8::MAX)), whole))
        });
        needs.collect()
    }
}

/// The largest scale, and the digits before the point of the largest value. What is no number has no
/// scale.
fn digits(column: &ColumnShape) -> String {
    let name = format!("t.{}", quote(&column.name));
    let (scale, largest) = match column.ty.wire {
        Wire::List(_) => (
            format!("(select max(scale(x)) from unnest({name}) as x)"),
            format!("(select max(abs(x)) from unnest({name}) as x where scale(x) is not null)"),
        ),
        _ => (
            format!("scale({name})"),
            format!("case when scale({name}) is not null then abs({name}) end"),
        ),
    };
    format!("max({scale}), trunc(max({largest}))::text")
}

/// Does the work while somebody waits for it.
pub(crate) async fn unless_stopped<T>(
    stop: &Stop,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let stopped = async {
        while stop.check().is_ok() {
            sleep(TICK).await;
        }
    };
    let (work, stopped) = (std::pin::pin!(work), std::pin::pin!(stopped));
    match select(work, stopped).await {
        Either::Left((done, _)) => done,
        Either::Right(_) => {
            stop.check()?;
            Err(Error::new(Kind::Internal, "the work was stopped for no reason"))
        }
    }
}

fn changed(resource: &str) -> Error {
    let message = "the table has changed since it was described; describe it and read again";
    Error::new(Kind::Conflict, message).with("resource", resource)
}
