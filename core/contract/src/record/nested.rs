//! Cells that hold other cells: lists, structs and runs.

use std::cmp::Ordering;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int16Type, Int32Type, Int64Type, RunEndIndexType};
use arrow_array::{Array, ArrayRef, OffsetSizeTrait, RunArray, StructArray};
use arrow_schema::DataType;

use super::column::{Cell, Column};
use crate::error::{Error, Kind, Result};

/// A list in a cell.
#[derive(Clone, Copy, Debug)]
pub struct ListCell<'a> {
    values: &'a Column,
    start: usize,
    end: usize,
}

/// A struct in a cell.
#[derive(Clone, Copy, Debug)]
pub struct StructCell<'a> {
    structs: &'a Structs,
    row: usize,
}

impl<'a> ListCell<'a> {
    /// How many items it has.
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether it has no item.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// The items in order.
    pub fn cells(&self) -> impl Iterator<Item = Cell<'a>> + use<'a> {
        let values = self.values;
        (self.start..self.end).map(move |row| values.cell(row))
    }
}

impl ListCell<'_> {
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let pairs = self.cells().zip(other.cells());
        let unequal = pairs.map(|(a, b)| a.order(&b)).find(|order| order.is_ne());
        unequal.unwrap_or_else(|| self.len().cmp(&other.len()))
    }
}

impl PartialEq for ListCell<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.cells().eq(other.cells())
    }
}

impl<'a> StructCell<'a> {
    /// The members in the order of the schema.
    pub fn cells(&self) -> impl Iterator<Item = (&'a str, Cell<'a>)> + use<'a> {
        let row = self.row;
        self.structs.members.iter().map(move |(name, column)| (name.as_str(), column.cell(row)))
    }

    fn member(&self, name: &str) -> Option<Cell<'a>> {
        let (_, column) = self.structs.members.iter().find(|(other, _)| other == name)?;
        Some(column.cell(self.row))
    }
}

impl StructCell<'_> {
    /// Members are compared in the order of their names.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let sorted = |cell: &Self| {
            let mut cells: Vec<_> = cell.cells().collect();
            cells.sort_by_key(|(name, _)| *name);
            cells
        };
        let (a, b) = (sorted(self), sorted(other));
        let pairs = a.iter().zip(&b);
        let unequal = pairs.map(|((m, x), (n, y))| m.cmp(n).then_with(|| x.order(y)));
        unequal.clone().find(|order| order.is_ne()).unwrap_or_else(|| a.len().cmp(&b.len()))
    }
}

impl PartialEq for StructCell<'_> {
    /// Members are compared by name; a member on one side only is a difference.
    fn eq(&self, other: &Self) -> bool {
        self.structs.members.len() == other.structs.members.len()
            && self.cells().all(|(name, cell)| other.member(name) == Some(cell))
    }
}

/// The lists of a column: where each starts and ends in the column of items.
#[derive(Clone, Debug)]
pub(super) struct Lists {
    values: Box<Column>,
    bounds: Bounds,
}

#[derive(Clone, Debug)]
enum Bounds {
    /// A list, large list, list view or large list view, read where it stands.
    Array(ArrayRef),
    /// Lists of one length.
    Fixed(usize),
}

impl Lists {
    pub(super) fn new(array: &ArrayRef) -> Result<Self> {
        let (values, bounds) = match array.data_type() {
            DataType::List(_) => (array.as_list::<i32>().values(), Bounds::Array(array.clone())),
            DataType::LargeList(_) => {
                (array.as_list::<i64>().values(), Bounds::Array(array.clone()))
            }
            DataType::ListView(_) => {
                (array.as_list_view::<i32>().values(), Bounds::Array(array.clone()))
            }
            DataType::LargeListView(_) => {
                (array.as_list_view::<i64>().values(), Bounds::Array(array.clone()))
            }
            DataType::FixedSizeList(_, length) => {
                let length = usize::try_from(*length).unwrap_or(0);
                (array.as_fixed_size_list().values(), Bounds::Fixed(length))
            }
            other => return Err(Error::new(Kind::Internal, format!("`{other}` is not a list"))),
        };
        Ok(Self { values: Box::new(Column::new(values)?), bounds })
    }

    pub(super) fn cell(&self, row: usize) -> ListCell<'_> {
        let (start, end) = match &self.bounds {
            Bounds::Fixed(length) => (row * length, (row + 1) * length),
            Bounds::Array(array) => match array.data_type() {
                DataType::List(_) => offsets::<i32>(array, row),
                DataType::LargeList(_) => offsets::<i64>(array, row),
                DataType::ListView(_) => view::<i32>(array, row),
                _ => view::<i64>(array, row),
            },
        };
        ListCell { values: &self.values, start, end }
    }
}

fn offsets<O: OffsetSizeTrait>(array: &ArrayRef, row: usize) -> (usize, usize) {
    let offsets = array.as_list::<O>().value_offsets();
    let at = |i: usize| offsets.get(i).map_or(0, |offset| offset.as_usize());
    (at(row), at(row + 1))
}

fn view<O: OffsetSizeTrait>(array: &ArrayRef, row: usize) -> (usize, usize) {
    let views = array.as_list_view::<O>();
    let (start, length) = (views.value_offset(row).as_usize(), views.value_size(row).as_usize());
    (start, start + length)
}

/// The structs of a column: a column a member.
#[derive(Clone, Debug)]
pub(super) struct Structs {
    members: Vec<(String, Column)>,
}

impl Structs {
    pub(super) fn new(array: &StructArray) -> Result<Self> {
        let members = array.fields().iter().zip(array.columns());
        let members =
            members.map(|(field, column)| Ok((field.name().clone(), Column::new(column)?)));
        Ok(Self { members: members.collect::<Result<_>>()? })
    }

    pub(super) fn cell(&self, row: usize) -> StructCell<'_> {
        StructCell { structs: self, row }
    }
}

/// The runs of a run-end encoded column.
#[derive(Clone, Debug)]
pub(super) struct Runs {
    array: ArrayRef,
    values: Box<Column>,
}

impl Runs {
    pub(super) fn new(array: &ArrayRef) -> Result<Self> {
        let values = match run_ends(array) {
            Some(DataType::Int16) => array.as_run::<Int16Type>().values(),
            Some(DataType::Int32) => array.as_run::<Int32Type>().values(),
            _ => array.as_run::<Int64Type>().values(),
        };
        Ok(Self { array: array.clone(), values: Box::new(Column::new(values)?) })
    }

    pub(super) fn cell(&self, row: usize) -> Cell<'_> {
        let physical = match run_ends(&self.array) {
            Some(DataType::Int16) => physical::<Int16Type>(&self.array, row),
            Some(DataType::Int32) => physical::<Int32Type>(&self.array, row),
            _ => physical::<Int64Type>(&self.array, row),
        };
        self.values.cell(physical)
    }
}

fn run_ends(array: &ArrayRef) -> Option<&DataType> {
    match array.data_type() {
        DataType::RunEndEncoded(ends, _) => Some(ends.data_type()),
        _ => None,
    }
}

fn physical<R: RunEndIndexType>(array: &ArrayRef, row: usize) -> usize {
    let runs: &RunArray<R> = array.as_run();
    runs.get_physical_index(row)
}
