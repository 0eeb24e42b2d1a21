//! A pair of tables with known differences: rows, what each side holds of them, and the truth.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use serde_json::{Value, json};

use crate::cells::mix;
use crate::columns::{Column, INVOICES, LEDGER, WIDE, schema};
use crate::{Result, case_and_size};

/// Rows of a batch, as a reader of files or pages would hand them over.
pub const BATCH: usize = 131_072;

/// Rows of the delta that is made beside a ledger: changed rows, then removed keys.
pub const DELTA: (usize, usize) = (9_500, 500);

const SEED: u64 = 0x7275_6575_7001;

/// Which side of the pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Side {
    /// What is wished.
    Expected,
    /// What is.
    Actual,
}

/// A pair of tables. Rows `0..rows` are expected; of a seeded order of them the first 0.5% are missing, the next 1%
/// are changed, the rest match; 0.5% more rows are unexpected.
pub struct Pair {
    /// The table's columns; the first is the key.
    pub columns: &'static [Column],
    /// Rows of the expected side.
    pub rows: usize,
    order: Vec<u32>,
    is_changed: Vec<bool>,
}

impl Pair {
    /// The pair of a case's name: a table and a size, as in `wide100k`, `ledger10m`, `csv1m`.
    pub fn of_case(case: &str) -> Result<Pair> {
        let (table, rows) = case_and_size(case)?;
        let columns = match table {
            "wide" => WIDE,
            "ledger" => LEDGER,
            "csv" => INVOICES,
            _ => {
                return Err(
                    format!("unknown case `{case}`: say wide, ledger or csv, and a size").into()
                );
            }
        };
        Ok(Pair::new(columns, rows))
    }

    fn new(columns: &'static [Column], rows: usize) -> Pair {
        let mut order = (0..rows as u32).collect::<Vec<_>>();
        shuffle(&mut order, mix(SEED, 1));
        let mut pair = Pair { columns, rows, order, is_changed: vec![false; rows] };
        for row in pair.order.iter().skip(pair.missing()).take(pair.changed()) {
            if let Some(flag) = pair.is_changed.get_mut(*row as usize) {
                *flag = true;
            }
        }
        pair
    }

    /// The batches of one side, in that side's own order.
    pub fn batches(&self, side: Side) -> impl Iterator<Item = Result<RecordBatch>> {
        let rows = self.side_rows(side);
        let starts = (0..rows.len()).step_by(BATCH);
        starts.map(move |at| self.batch(rows.iter().skip(at).take(BATCH), side))
    }

    /// The delta to the actual side: rows that matched and now differ, then rows that matched and are now gone.
    pub fn delta(&self) -> Result<(RecordBatch, RecordBatch)> {
        let matched = self.matched();
        let edit = |row: u64, column: usize| u64::from(self.is_edited(row, column));
        let upserts = self.make(matched.clone().take(DELTA.0), edit)?;
        let removed = self.make(matched.skip(DELTA.0).take(DELTA.1), |_, _| 0)?;
        Ok((upserts, removed))
    }

    /// What a comparison must count, with the version of this data.
    pub fn truth(&self) -> Value {
        let names = self.columns.iter().map(|c| c.0);
        let mut cells: BTreeMap<&str, usize> =
            names.clone().skip(1).map(|name| (name, 0)).collect();
        let edits = |row: &u32, i| usize::from(self.is_edited((*row).into(), i));
        for row in self.order.iter().skip(self.missing()).take(self.changed()) {
            for (i, name) in names.clone().enumerate() {
                *cells.entry(name).or_default() += edits(row, i);
            }
        }
        let delta = self.matched().take(DELTA.0);
        let delta_cells: usize =
            delta.map(|row| (0..self.columns.len()).map(|i| edits(row, i)).sum::<usize>()).sum();
        cells.retain(|_, count| *count > 0);
        let matched = self.rows - self.missing() - self.changed();
        json!({
            "key": [names.clone().next()], "columns": names.collect::<Vec<_>>(), "rows": self.rows,
            "counts": {
                "matched": matched, "missing": self.missing(), "unexpected": self.missing(),
                "changed": self.changed(), "cells": cells.values().sum::<usize>(),
            },
            "cells_by_field": cells, "delta_cells": delta_cells,
        })
    }

    fn matched(&self) -> impl Iterator<Item = &u32> + Clone {
        self.order.iter().skip(self.missing() + self.changed())
    }

    fn missing(&self) -> usize {
        self.rows / 200
    }

    fn changed(&self) -> usize {
        self.rows / 100
    }

    fn side_rows(&self, side: Side) -> Vec<u32> {
        let (skip, extra) =
            if side == Side::Expected { (0, 0) } else { (self.missing(), self.missing()) };
        let extra = (0..extra).map(|i| (self.rows + i) as u32);
        let mut rows: Vec<u32> = self.order.iter().skip(skip).copied().chain(extra).collect();
        shuffle(&mut rows, mix(SEED, 2 + side as u64));
        rows
    }

    fn batch<'a>(
        &self,
        rows: impl Iterator<Item = &'a u32> + Clone,
        side: Side,
    ) -> Result<RecordBatch> {
        self.make(rows, |row, column| {
            let is_changed =
                side == Side::Actual && self.is_changed.get(row as usize) == Some(&true);
            u64::from(is_changed && self.is_edited(row, column))
        })
    }

    fn make<'a>(
        &self,
        rows: impl Iterator<Item = &'a u32> + Clone,
        edition: impl Fn(u64, usize) -> u64,
    ) -> Result<RecordBatch> {
        let array = |(i, column): (usize, &Column)| {
            column.array(
                rows.clone()
                    .map(|row| u64::from(*row))
                    .map(|row| column.cell(SEED, row, edition(row, i))),
            )
        };
        let arrays = self.columns.iter().enumerate().map(array).collect();
        Ok(RecordBatch::try_new(schema(self.columns), arrays)?)
    }

    /// A changed row differs in one to three fields, never in the key.
    fn is_edited(&self, row: u64, column: usize) -> bool {
        let fields = self.columns.len() as u64 - 1;
        let times = 1 + mix(SEED ^ row, 3) % 3;
        (0..times).any(|i| column as u64 == 1 + mix(SEED ^ row, 4 + i) % fields)
    }
}

fn shuffle(rows: &mut [u32], seed: u64) {
    for i in (1..rows.len()).rev() {
        rows.swap(i, (mix(seed, i as u64) % (i as u64 + 1)) as usize);
    }
}
