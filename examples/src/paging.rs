//! A layer over any connector: small pages, so that progress can be seen.

use std::sync::Arc;

use trueup::{
    Capability, Connector, Context, Identity, Page, ReadRequest, Resource, Writer, async_trait,
};

/// The same connector, read in pages of so many records where the caller asks for no size.
#[derive(Debug)]
pub(crate) struct SmallPages {
    inner: Box<dyn Connector>,
    rows: usize,
}

impl SmallPages {
    pub(crate) fn over(inner: impl Connector + 'static, rows: usize) -> Self {
        Self { inner: Box::new(inner), rows }
    }
}

#[async_trait]
impl Connector for SmallPages {
    fn identity(&self) -> Identity {
        self.inner.identity()
    }

    fn capability(&self) -> Capability {
        self.inner.capability()
    }

    async fn describe(&self, context: Context) -> trueup::Result<Vec<Resource>> {
        self.inner.describe(context).await
    }

    async fn check(&self, context: Context) -> trueup::Result<()> {
        self.inner.check(context).await
    }

    async fn read_page(&self, context: Context, request: ReadRequest) -> trueup::Result<Page> {
        let size = request.page_size.or(self.capability().page_size.then_some(self.rows));
        let request = size.into_iter().fold(request, ReadRequest::with_page_size);
        self.inner.read_page(context, request).await
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        self.inner.writer()
    }
}
