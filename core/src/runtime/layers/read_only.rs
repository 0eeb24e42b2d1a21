//! A system that cannot be changed through this handle.

use std::sync::Arc;

use trueup_connector::{
    Capability, Connector, Context, Identity, Page, ReadRequest, Resource, Result, Writer,
    async_trait,
};

/// Takes the writer away: what is handed out can only be read. It may stand anywhere in the stack.
///
/// ```
/// # use std::sync::Arc;
/// # fn hand_out(directory: Arc<dyn trueup::Connector>) {
/// let looking_only = trueup::runtime::ReadOnlyLayer.wrap(directory);
/// assert!(looking_only.writer().is_none());
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOnlyLayer;

impl ReadOnlyLayer {
    /// The same system, without its writer.
    pub fn wrap(self, inner: Arc<dyn Connector>) -> Arc<dyn Connector> {
        Arc::new(ReadOnly(inner))
    }
}

#[derive(Debug)]
struct ReadOnly(Arc<dyn Connector>);

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Connector for ReadOnly {
    fn identity(&self) -> Identity {
        self.0.identity()
    }

    fn capability(&self) -> Capability {
        self.0.capability()
    }

    async fn describe(&self, context: Context) -> Result<Vec<Resource>> {
        self.0.describe(context).await
    }

    async fn check(&self, context: Context) -> Result<()> {
        self.0.check(context).await
    }

    async fn read_page(&self, context: Context, request: ReadRequest) -> Result<Page> {
        self.0.read_page(context, request).await
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        None
    }
}
